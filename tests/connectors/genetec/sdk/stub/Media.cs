// A stand-in for Genetec.Sdk.Media.dll: overlays. A layer's drawing is told when it is published.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Windows;
using System.Windows.Media;
using Stub;

namespace Genetec.Sdk.Media.Overlay {
  public class OverlayStatusEventArgs : EventArgs { public bool CanPropagateUpdate { get; internal set; } }

  public static class OverlayFactory {
    static readonly Dictionary<string, Overlay> Known = new Dictionary<string, Overlay>();
    static Engine engine;
    public static void Initialize(Engine hosted) { engine = hosted; Center.Record("overlay-initialized"); }
    public static Overlay Get(Guid camera, string name) {
      if (engine == null) throw new SdkException(SdkError.InvalidOperation, "the overlay factory is not initialized");
      var key = camera + name;
      if (!Known.ContainsKey(key)) Known[key] = new Overlay(camera, name);
      return Known[key];
    }
  }
  public class Overlay : IDisposable {
    readonly Guid camera;
    internal Overlay(Guid camera, string name) { this.camera = camera; Center.Record("overlay", camera, name); }
    public double DrawingSurfaceWidth { get; private set; }
    public double DrawingSurfaceHeight { get; private set; }
    public bool IsReadyForUpdate { get; private set; }
    public event EventHandler<OverlayStatusEventArgs> StateChange;
    public void Initialize(int height, int width) {
      Center.Record("surface", camera, height, width);
      DrawingSurfaceHeight = height;
      DrawingSurfaceWidth = width;
      ThreadPool.QueueUserWorkItem(_ => {
        Thread.Sleep(20);
        IsReadyForUpdate = true;
        if (StateChange != null) StateChange(this, new OverlayStatusEventArgs { CanPropagateUpdate = true });
      });
    }
    public Layer CreateLayer(Guid id, string name) { return new Layer(camera, id, name); }
    public void Dispose() { Center.Record("overlay-disposed", camera); }
  }
  public class Layer : IDisposable {
    readonly Guid camera;
    readonly string name;
    readonly List<string> drawn = new List<string>();
    internal Layer(Guid camera, Guid id, string name) { this.camera = camera; this.name = name; LayerIdentifier = id; }
    public Guid LayerIdentifier { get; private set; }
    public TimeSpan Duration { get; set; }
    public void Clear() { drawn.Clear(); }
    public bool Update() {
      Center.Calling("Update", () => Center.Record("layer", camera, LayerIdentifier, name, Duration.TotalSeconds, string.Join("|", drawn)));
      drawn.Clear();
      return true;
    }
    public void DrawText(string text, string fontName, double size, string color, double x, double y) {
      drawn.Add(Shape("text", text, size, color, x, y));
    }
    public void DrawEllipse(string fill, string outline, double x, double y, double width, double height) {
      drawn.Add(Shape("ellipse", fill, x, y, width, height));
    }
    public void DrawRectangle(Brush brush, Pen pen, Rect rect) {
      if (!pen.IsFrozen) throw new InvalidOperationException("the pen belongs to another thread");
      drawn.Add(Shape("rectangle", ((SolidColorBrush)pen.Brush).Color, pen.Thickness, rect.X, rect.Y, rect.Width, rect.Height));
    }
    static string Shape(params object[] parts) {
      return string.Join(",", Array.ConvertAll(parts, part => Convert.ToString(part, CultureInfo.InvariantCulture)));
    }
    public void Dispose() { }
  }
}
