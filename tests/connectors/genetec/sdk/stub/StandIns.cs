// What WPF and System.Drawing give on Windows, as far as the stub of the Media SDK takes it: Linux has neither.
namespace System.Windows {
  public struct Rect {
    public double X, Y, Width, Height;
    public Rect(double x, double y, double width, double height) { X = x; Y = y; Width = width; Height = height; }
  }
}
namespace System.Windows.Media {
  public abstract class Freezable {
    public bool IsFrozen { get; private set; }
    public void Freeze() { IsFrozen = true; }
  }
  public struct Color {
    public byte A, R, G, B;
    public static Color FromArgb(byte a, byte r, byte g, byte b) { return new Color { A = a, R = r, G = g, B = b }; }
    public override string ToString() { return string.Format("#{0:X2}{1:X2}{2:X2}{3:X2}", A, R, G, B); }
  }
  public abstract class Brush : Freezable { }
  public class SolidColorBrush : Brush {
    public SolidColorBrush(Color color) { Color = color; }
    public Color Color { get; set; }
  }
  public class Pen : Freezable {
    public Pen(Brush brush, double thickness) { Brush = brush; Thickness = thickness; }
    public Brush Brush { get; set; }
    public double Thickness { get; set; }
  }
}
namespace System.Drawing {
  public class Bitmap {
    public Bitmap(System.IO.Stream stream) { Length = stream.Length; }
    public long Length { get; private set; }
  }
}
