// A stand-in for Genetec.Sdk.dll: the members that Vigie uses, by the public names, and behaviour of our own.
using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Linq;
using System.Threading;
using Genetec.Sdk.Entities;
using Genetec.Sdk.Entities.CustomEvents;
using Genetec.Sdk.Events;
using Stub;

namespace Genetec.Sdk {
  public enum EventType { None = 0, AlarmTriggered = 2, AlarmAcknowledged = 3, CameraMotionOn = 8, CustomEvent = 15, VideoAnalyticsObjectCrossedLine = 1029, VideoAnalyticsObjectInField = 1034, VideoAnalyticsObjectLeft = 1035, VideoAnalyticsObjectLoitering = 1036, VideoAnalyticsObjectStopped = 1042, VideoAnalyticsDirectionAlarm = 1047 }
  public enum EntityType { None = 0, Alarm = 3, Camera = 6, SystemConfiguration = 16, User = 20 }
  public enum ReportType { EntityConfiguration = 0, AlarmActivity = 7, Bookmark = 14, CameraEvent = 26 }
  public enum State { Running = 0, NotRunning = 1, Warning = 2 }
  public enum AcknowledgementType { Ack, Nack }
  public enum AlarmState : byte { None, Active, Acked, AknowledgeRequired, SourceConditionInvestigating }
  public enum ReportError { None, TooManyResults }
  public enum SdkError { InvalidOperation, CannotGetProperty, CannotSetProperty, InvalidValue, UnableToRetrieveEntity, SdkRequestError, UnsufficientPrivilege, MissingClientCertificate, InvalidClientCertificate, MissingCertificate, CertificateCountExceeded, InvalidApplicationId }
  public enum ConnectionStateCode { Success, Failed, Connecting, ConnectionEstablished, ConnectionLost, CertificateRegistrationError, DirectoryCertificateNotTrusted, InsufficientPrivileges, InvalidCredential, InvalidVersion, LicenseError, PasswordExpired, Timeout }

  public class SdkException : Exception {
    public SdkException(SdkError error, string message) : base(message) { ErrorCode = error; }
    public SdkError ErrorCode { get; private set; }
  }

  public class LoggedOnEventArgs : EventArgs { }
  public class LoggedOffEventArgs : EventArgs { public bool AutoReconnect { get; internal set; } }
  public class LogonFailedEventArgs : EventArgs {
    public ConnectionStateCode FailureCode { get; internal set; }
    public string FormattedErrorMessage { get; internal set; }
  }
  public class EventReceivedEventArgs : EventArgs {
    readonly bool isPoison;
    readonly CustomEventInstance happened;
    public EventReceivedEventArgs(string name, Guid source, bool isPoison) {
      this.isPoison = isPoison;
      var known = Entities.SystemConfiguration.Only.CustomEventService.CustomEvents.Single(item => item.Name == name);
      happened = new CustomEventInstance { Id = new CustomEventId(known.Id), SourceEntity = source, Message = name };
      SourceGuid = source;
      Timestamp = DateTime.UtcNow;
    }
    public EventType EventType { get { return EventType.CustomEvent; } }
    public Guid SourceGuid { get; private set; }
    public DateTime Timestamp { get; private set; }
    public Event Event {
      get {
        if (isPoison) throw new SdkException(SdkError.CannotGetProperty, "this event cannot be read");
        return happened;
      }
    }
  }
  public class AlarmAcknowledgedEventArgs : EventArgs {
    public AlarmAcknowledgedEventArgs(Guid alarm, int instance, Guid user) {
      AlarmGuid = alarm; InstanceId = instance; AckBy = user; AckTime = DateTime.UtcNow;
    }
    public Guid AlarmGuid { get; private set; }
    public int InstanceId { get; private set; }
    public DateTime AckTime { get; private set; }
    public Guid AckBy { get; private set; }
  }

  public class GeoCoordinate { public GeoCoordinate(double latitude, double longitude) { } }
  public class DynamicAlarmContent {
    public DynamicAlarmContent(string context) {
      Context = context; AttachedEntities = new List<Guid>(); Urls = new List<string>();
    }
    public string Context { get; set; }
    public byte Priority { get; set; }
    public ICollection<Guid> AttachedEntities { get; private set; }
    public ICollection<string> Urls { get; private set; }
  }

  public interface IEngine { }
  public class Engine : IEngine, IDisposable {
    volatile bool isDisposed;
    EventType[] filter;
    public Engine() {
      LoginManager = new Workflows.LoginManagers.LoginManager(this);
      ReportManager = new Workflows.ReportManager(this);
      ActionManager = new Workflows.ActionManager(this);
      AlarmManager = new Workflows.AlarmManager(this);
    }
    public Workflows.LoginManagers.LoginManager LoginManager { get; private set; }
    public Workflows.ReportManager ReportManager { get; private set; }
    public Workflows.ActionManager ActionManager { get; private set; }
    public Workflows.AlarmManager AlarmManager { get; private set; }
    public string ClientCertificate { get; set; }
    public bool IsConnected { get { return LoginManager.IsConnected; } }
    public event EventHandler<EventReceivedEventArgs> EventReceived;
    public event EventHandler<AlarmAcknowledgedEventArgs> AlarmAcknowledged;

    public Entity GetEntity(Guid guid) {
      Connected();
      if (guid == Entities.SystemConfiguration.SystemConfigurationGuid) return Entities.SystemConfiguration.Only;
      return Entity.All().FirstOrDefault(entity => entity.Guid == guid);
    }
    public void SetEventFilter(IEnumerable<EventType> types) { filter = types.ToArray(); }
    public void Dispose() { isDisposed = true; Center.Record("disposed", EventReceived == null, AlarmAcknowledged == null); }

    internal void Connected() {
      if (!IsConnected || isDisposed) throw new SdkException(SdkError.SdkRequestError, "the engine is not connected");
    }
    internal void Raise(EventReceivedEventArgs args, bool wait = false) {
      var handlers = EventReceived;
      if (handlers == null || filter != null && !filter.Contains(args.EventType)) return;
      if (wait) handlers(this, args); else ThreadPool.QueueUserWorkItem(_ => handlers(this, args));
    }
    internal void Acknowledged(AlarmAcknowledgedEventArgs args) {
      var handlers = AlarmAcknowledged;
      if (handlers != null) ThreadPool.QueueUserWorkItem(_ => handlers(this, args));
    }
    internal bool IsOver { get { return isDisposed; } }
  }
}

namespace Genetec.Sdk.Workflows.LoginManagers {
  public class LoginManager {
    readonly Engine engine;
    volatile bool isConnected, isListening;
    internal LoginManager(Engine engine) { this.engine = engine; }
    public bool IsConnected { get { return isConnected; } }
    public int ConnectionRetry { get; set; }
    public event EventHandler<LoggedOnEventArgs> LoggedOn;
    public event EventHandler<LoggedOffEventArgs> LoggedOff;
    public event EventHandler<LogonFailedEventArgs> LogonFailed;

    // By the name of the user: how the log-on ends. A server named "nobody" never answers with more than "failed".
    public IAsyncResult BeginLogOn(string server, string user, string password) {
      var thread = new Thread(() => {
        Thread.Sleep(20);
        var code = Judge(server, user, password);
        Center.Record("logon", server, user, code);
        if (user == "mute") return;
        if (user == "crash") Environment.FailFast("the stub was told to crash");
        if (code == ConnectionStateCode.Success) Enter();
        else if (LogonFailed != null)
          LogonFailed(engine, new LogonFailedEventArgs { FailureCode = code, FormattedErrorMessage = "log-on of " + user + " with password=" + password });
      });
      thread.Start();
      return null;
    }
    ConnectionStateCode Judge(string server, string user, string password) {
      if (server.StartsWith("nobody")) return ConnectionStateCode.Failed;
      ConnectionStateCode named;
      if (Enum.TryParse(user, out named)) return named;
      if (engine.ClientCertificate != "stub-certificate") return ConnectionStateCode.CertificateRegistrationError;
      return password == "vigie-demo" ? ConnectionStateCode.Success : ConnectionStateCode.InvalidCredential;
    }
    void Enter() {
      isConnected = true;
      if (!isListening) { isListening = true; Center.Listen(engine, () => engine.IsOver); }
      if (LoggedOn != null) LoggedOn(engine, new LoggedOnEventArgs());
    }
    // The Directory goes away and comes back; the SDK reconnects by itself.
    internal void Lose(int milliseconds) {
      isConnected = false;
      if (LoggedOff != null) LoggedOff(engine, new LoggedOffEventArgs { AutoReconnect = true });
      Thread.Sleep(milliseconds);
      if (!engine.IsOver) Enter();
    }
    // The Directory ends the session for good.
    internal void Drop() {
      isConnected = false;
      if (LoggedOff != null) LoggedOff(engine, new LoggedOffEventArgs { AutoReconnect = false });
    }
    public void LogOff() { isConnected = false; Center.Record("logoff"); }
  }
}

namespace Genetec.Sdk.Events {
  public class Event {
    public Guid SourceEntity { get; set; }
    public DateTime Timestamp { get; set; }
    public EventType Type { get; internal set; }
    public Guid GroupId { get; set; }
  }
  public struct CustomEventId {
    readonly int number;
    public CustomEventId(int id) { number = id; }
    internal int Number { get { return number; } }
  }
  public class CustomEventInstance : Event {
    public CustomEventId Id { get; set; }
    public string Message { get; set; }
    public string ExtraHiddenPayload { get; set; }
  }
}
namespace Genetec.Sdk.Events.VideoAnalytics {
  public class VideoAnalyticsObjectInFieldEvent : Event {
    public string Metadata { get; set; }
    public System.Drawing.Bitmap Image { get; set; }
  }
}

namespace Genetec.Sdk.Entities {
  public abstract class Entity {
    public Guid Guid { get; internal set; }
    public string Name { get; internal set; }
    public EntityType EntityType { get; internal set; }
    public State RunningState { get; internal set; }

    // The cameras of the test's file, one alarm, and one operator.
    internal static IEnumerable<Entity> All() {
      foreach (var row in Center.Cameras())
        yield return new Camera { Guid = Guid.Parse(row[0]), Name = row[1], EntityType = EntityType.Camera, IsOverlaySupported = row[2] != "plain", RunningState = row[2] == "stopped" ? State.NotRunning : State.Running };
      yield return new Alarm { Guid = Alarm.Known, Name = "Vigie", EntityType = EntityType.Alarm };
      yield return new User { Guid = User.Known, Name = "Alice", EntityType = EntityType.User };
    }
  }
  public class Camera : Entity { public bool IsOverlaySupported { get; internal set; } }
  public class Alarm : Entity { internal static readonly Guid Known = new Guid("3f0d7c1e-8a3e-4a55-9a3f-2d5b0c7a9911"); }
  public class User : Entity { internal static readonly Guid Known = new Guid("00000000-0000-0000-0000-0000000000a1"); }
  public class SystemConfiguration : Entity {
    public static readonly Guid SystemConfigurationGuid = new Guid("00000000-0000-0000-0000-000000000007");
    internal static readonly SystemConfiguration Only = new SystemConfiguration { Guid = SystemConfigurationGuid, Name = "System" };
    readonly CustomEvents.CustomEventService service = new CustomEvents.CustomEventService();
    public ICustomEventService CustomEventService { get { return service; } }
  }
}
namespace Genetec.Sdk.Entities.CustomEvents {
  public class CustomEvent {
    public int Id { get; internal set; }
    public string Name { get; internal set; }
  }
  public interface ICustomEventService {
    IReadOnlyList<CustomEvent> CustomEvents { get; }
    CustomEvent GetCustomEvent(CustomEventId id);
  }
  class CustomEventService : ICustomEventService {
    static readonly CustomEvent[] Known = { new CustomEvent { Id = 5000, Name = "Vigie" }, new CustomEvent { Id = 5001, Name = "Vigie off" }, new CustomEvent { Id = 5002, Name = "Other" } };
    public IReadOnlyList<CustomEvent> CustomEvents { get { return Known; } }
    public CustomEvent GetCustomEvent(CustomEventId id) { return Known.FirstOrDefault(item => item.Id == id.Number); }
  }
}
