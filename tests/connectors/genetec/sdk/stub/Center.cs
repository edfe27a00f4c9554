// The Security Center behind the stub: what was done stands in a file, and orders of a test are read from another, so
// that it outlives the process that hosts the SDK. Fields are tab-separated and escaped as in URLs.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;

namespace Stub {
  public static class Center {
    public const string FolderVariable = "VIGIE_STUB_CENTER";
    static readonly object Gate = new object();
    static readonly Dictionary<string, List<string[]>> Faults = new Dictionary<string, List<string[]>>();

    public static string Folder { get { return Environment.GetEnvironmentVariable(FolderVariable) ?? "."; } }
    static string Ledger { get { return Path.Combine(Folder, "ledger"); } }
    static string Orders { get { return Path.Combine(Folder, "orders"); } }

    public static void Record(params object[] fields) {
      var line = string.Join("\t", fields.Select(Escaped)) + "\n";
      var bytes = Encoding.ASCII.GetBytes(line);
      lock (Gate)
        using (var file = new FileStream(Ledger, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, 1))
          file.Write(bytes, 0, bytes.Length);
    }

    static string Escaped(object field) {
      if (field == null) return "";
      if (field is DateTime) return ((DateTime)field).ToUniversalTime().Ticks.ToString();
      if (field is double) return ((double)field).ToString("R", System.Globalization.CultureInfo.InvariantCulture);
      return Uri.EscapeDataString(field.ToString());
    }

    public static List<string[]> Recorded(string kind) {
      lock (Gate) return Rows(Ledger).Where(row => row[0] == kind).ToList();
    }

    public static List<string[]> Cameras() { return Rows(Path.Combine(Folder, "cameras")); }

    static List<string[]> Rows(string path) {
      if (!File.Exists(path)) return new List<string[]>();
      using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
      using (var reader = new StreamReader(file))
        return reader.ReadToEnd().Split('\n').Where(line => line.Length > 0).Select(Fields).ToList();
    }

    static string[] Fields(string line) { return line.Split('\t').Select(Uri.UnescapeDataString).ToArray(); }

    // A fault waits for the next call of its name: "throw" before the effect, "throw-after" it, "slow", "hang", "crash".
    public static void Plan(string call, string[] fault) {
      lock (Faults) {
        if (!Faults.ContainsKey(call)) Faults[call] = new List<string[]>();
        Faults[call].Add(fault);
      }
    }

    public static void Calling(string call, Action effect) {
      string[] fault = null;
      lock (Faults)
        if (Faults.ContainsKey(call) && Faults[call].Count > 0) { fault = Faults[call][0]; Faults[call].RemoveAt(0); }
      var kind = fault == null ? "" : fault[0];
      if (kind == "throw") throw Error(fault);
      if (kind == "slow") Thread.Sleep(int.Parse(fault[1]));
      if (kind == "hang") Thread.Sleep(Timeout.Infinite);
      if (kind == "crash") Environment.FailFast("the stub was told to crash");
      effect();
      if (kind == "throw-after") throw Error(fault);
      if (kind == "hang-after") Thread.Sleep(Timeout.Infinite);
    }

    static Exception Error(string[] fault) {
      Genetec.Sdk.SdkError code;
      if (Enum.TryParse(fault[1], out code)) return new Genetec.Sdk.SdkException(code, "the stub was told to fail");
      return new InvalidOperationException("the stub was told to fail");
    }

    // A foreground thread on purpose: SDKs leave such threads behind, and Mono does not end while one runs.
    public static void Listen(Genetec.Sdk.Engine engine, Func<bool> isOver) {
      long position = File.Exists(Orders) ? new FileInfo(Orders).Length : 0;
      var thread = new Thread(() => {
        while (!isOver()) {
          foreach (var order in NewOrders(ref position)) {
            new Order(engine, order).Run();
            Record("done", string.Join(" ", order));
          }
          Thread.Sleep(10);
        }
      });
      thread.IsBackground = false;
      thread.Start();
    }

    static List<string[]> NewOrders(ref long position) {
      if (!File.Exists(Orders)) return new List<string[]>();
      using (var file = new FileStream(Orders, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)) {
        file.Seek(position, SeekOrigin.Begin);
        var bytes = new byte[file.Length - position];
        var count = file.Read(bytes, 0, bytes.Length);
        var whole = Array.LastIndexOf(bytes, (byte)'\n', Math.Max(count - 1, 0)) + 1;
        position += whole;
        return Encoding.ASCII.GetString(bytes, 0, whole).Split('\n').Where(line => line.Length > 0).Select(Fields).ToList();
      }
    }
  }

  // What a test tells the stub to do.
  class Order {
    readonly Genetec.Sdk.Engine engine;
    readonly string[] words;

    public Order(Genetec.Sdk.Engine engine, string[] words) { this.engine = engine; this.words = words; }

    public void Run() {
      switch (words[0]) {
        case "fault": Center.Plan(words[1], words.Skip(2).ToArray()); break;
        case "acknowledge": Acknowledge(int.Parse(words[1]), words[2], words[3]); break;
        case "event": engine.Raise(new Genetec.Sdk.EventReceivedEventArgs(words[1], Guid.Parse(words[2]), false)); break;
        case "flood": Flood(int.Parse(words[1]), int.Parse(words[2]), words[3]); break;
        case "disconnect": engine.LoginManager.Lose(int.Parse(words[1])); break;
        case "drop": engine.LoginManager.Drop(); break;
      }
    }

    void Acknowledge(int instance, string type, string user) {
      if (Center.Recorded("acknowledged").Any(row => int.Parse(row[1]) == instance)) return;
      var alarm = Center.Recorded("alarm").Single(row => int.Parse(row[1]) == instance);
      var code = (int)Enum.Parse(typeof(Genetec.Sdk.AcknowledgementType), type);
      Center.Record("acknowledged", instance, alarm[2], DateTime.UtcNow, code, user);
      engine.Acknowledged(new Genetec.Sdk.AlarmAcknowledgedEventArgs(Guid.Parse(alarm[2]), instance, Guid.Parse(user)));
    }

    // Events whose getters throw, so that whoever handles them fails, raised on threads of their own.
    void Flood(int count, int threads, string name) {
      var source = Guid.Parse(Center.Cameras()[0][0]);
      var all = Enumerable.Range(0, threads).Select(_ => new Thread(() => {
        for (var i = 0; i < count / threads; i++)
          engine.Raise(new Genetec.Sdk.EventReceivedEventArgs(name, source, true), wait: true);
      })).ToList();
      all.ForEach(thread => thread.Start());
      all.ForEach(thread => thread.Join());
      Center.Record("flooded", count);
    }
  }
}
