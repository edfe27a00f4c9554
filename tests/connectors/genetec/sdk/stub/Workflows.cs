// What Vigie does through the SDK: events, alarms, bookmarks, and the reports that show them.
using System;
using System.Collections.Generic;
using System.Data;
using System.Linq;
using Genetec.Sdk.Entities;
using Genetec.Sdk.Events;
using Genetec.Sdk.Events.VideoAnalytics;
using Stub;

namespace Genetec.Sdk.Workflows {
  public class ActionManager {
    readonly Engine engine;
    internal ActionManager(Engine engine) { this.engine = engine; }

    public Event BuildEvent(EventType type, Guid source) {
      engine.Connected();
      if (!(engine.GetEntity(source) is Camera)) throw new SdkException(SdkError.UnableToRetrieveEntity, "no such camera");
      Event built = type == EventType.CustomEvent ? new CustomEventInstance()
        : type == EventType.VideoAnalyticsObjectInField ? new VideoAnalyticsObjectInFieldEvent()
        : new Event();
      built.Type = type;
      built.SourceEntity = source;
      return built;
    }
    public void RaiseEvent(Event raised) {
      engine.Connected();
      Center.Calling("RaiseEvent", () => {
        var custom = raised as CustomEventInstance;
        var typed = raised as VideoAnalyticsObjectInFieldEvent;
        if (custom != null)
          Center.Record("event", custom.Id.Number, custom.SourceEntity, custom.Timestamp, custom.Message, custom.ExtraHiddenPayload);
        else
          Center.Record("analytics", raised.Type, raised.SourceEntity, raised.Timestamp, typed == null ? "" : typed.Metadata, typed == null || typed.Image == null ? 0 : typed.Image.Length);
      });
    }
    public void AddCameraBookmark(Guid camera, DateTime timestampUtc, string message) {
      engine.Connected();
      if (!(engine.GetEntity(camera) is Camera)) throw new SdkException(SdkError.UnableToRetrieveEntity, "no such camera");
      Center.Calling("AddCameraBookmark", () => Center.Record("bookmark", camera, timestampUtc, message));
    }
  }

  public class AlarmManager {
    readonly Engine engine;
    internal AlarmManager(Engine engine) { this.engine = engine; }

    public int TriggerAlarm(Guid alarm, Guid source, DynamicAlarmContent content, GeoCoordinate location) {
      engine.Connected();
      if (!(engine.GetEntity(alarm) is Alarm)) return -1;
      var instance = Center.Recorded("alarm").Count + 1;
      Center.Calling("TriggerAlarm", () => Center.Record("alarm", instance, alarm, source, DateTime.UtcNow, content.Priority, content.Context, string.Join(",", content.AttachedEntities), string.Join(",", content.Urls)));
      return instance;
    }
  }

  public class ReportManager {
    readonly Engine engine;
    internal ReportManager(Engine engine) { this.engine = engine; }

    public Queries.ReportQuery CreateReportQuery(ReportType type) {
      engine.Connected();
      switch (type) {
        case ReportType.EntityConfiguration: return new Queries.EntityConfigurationQuery { Engine = engine };
        case ReportType.AlarmActivity: return new Queries.AlarmActivityQuery { Engine = engine };
        case ReportType.Bookmark: return new Queries.Video.BookmarkEventQuery { Engine = engine };
        case ReportType.CameraEvent: return new Queries.Video.CameraEventQuery { Engine = engine };
        default: throw new SdkException(SdkError.InvalidValue, "no such report");
      }
    }
  }
}

namespace Genetec.Sdk {
  public class QueryCompletedEventArgs : EventArgs {
    public DataTable Data { get; internal set; }
    public bool Success { get; internal set; }
    public ReportError Error { get; internal set; }
  }
}

namespace Genetec.Sdk.Queries {
  public class QueryCollection<T> : List<T> { }
  public class TimeRangeFilter {
    internal DateTime From = DateTime.MinValue, To = DateTime.MaxValue;
    public void SetTimeRange(DateTime from, DateTime to) { From = from.ToUniversalTime(); To = to.ToUniversalTime(); }
    internal bool Has(DateTime moment) { return From <= moment && moment <= To; }
  }
  public abstract class ReportQuery {
    internal Engine Engine;
    protected ReportQuery() { MaximumResultCount = 10000; }
    public int MaximumResultCount { get; set; }
    protected abstract string[] Columns { get; }
    protected abstract IEnumerable<object[]> Rows();
    public QueryCompletedEventArgs Query() {
      Engine.Connected();
      var answer = new QueryCompletedEventArgs { Data = new DataTable(), Success = true };
      foreach (var column in Columns) answer.Data.Columns.Add(column, typeof(object));
      Center.Calling("Query", () => {
        var rows = Rows().ToList();
        if (rows.Count > MaximumResultCount) { answer.Success = false; answer.Error = ReportError.TooManyResults; }
        foreach (var row in rows.Take(MaximumResultCount)) answer.Data.Rows.Add(row);
      });
      return answer;
    }
    protected static DateTime Moment(string ticks) { return new DateTime(long.Parse(ticks), DateTimeKind.Utc); }
  }
  public class EntityConfigurationQuery : ReportQuery {
    public EntityConfigurationQuery() { EntityTypeFilter = new QueryCollection<EntityType>(); Page = 1; PageSize = 100; }
    public QueryCollection<EntityType> EntityTypeFilter { get; private set; }
    public bool DownloadAllRelatedData { get; set; }
    public int Page { get; set; }
    public int PageSize { get; set; }
    protected override string[] Columns { get { return new[] { "Guid" }; } }
    protected override IEnumerable<object[]> Rows() {
      return Entity.All().Where(entity => EntityTypeFilter.Contains(entity.EntityType)).Skip((Page - 1) * PageSize).Take(PageSize).Select(entity => new object[] { entity.Guid });
    }
  }
  public class AlarmActivityQuery : ReportQuery {
    public const string InstanceIdColumnName = "InstanceId", AlarmColumnName = "Alarm", StateColumnName = "State", DynamicContextColumnName = "DynamicContext", AckedTimeColumnName = "AckedTime", AckedByColumnName = "AckedBy", AckReasonColumnName = "AckReason";
    public AlarmActivityQuery() { Alarms = new QueryCollection<Guid>(); States = new QueryCollection<AlarmState>(); TriggeredTimeRange = new TimeRangeFilter(); }
    public QueryCollection<Guid> Alarms { get; private set; }
    public QueryCollection<AlarmState> States { get; private set; }
    public int InstanceId { get; set; }
    public TimeRangeFilter TriggeredTimeRange { get; private set; }
    protected override string[] Columns { get { return new[] { InstanceIdColumnName, AlarmColumnName, StateColumnName, DynamicContextColumnName, AckedTimeColumnName, AckedByColumnName, AckReasonColumnName }; } }
    protected override IEnumerable<object[]> Rows() {
      var acknowledged = Center.Recorded("acknowledged").ToDictionary(row => row[1]);
      foreach (var row in Center.Recorded("alarm")) {
        if (Alarms.Count > 0 && !Alarms.Contains(Guid.Parse(row[2])) || !TriggeredTimeRange.Has(Moment(row[4]))) continue;
        if (InstanceId > 0 && InstanceId != int.Parse(row[1])) continue;
        string[] ack;
        acknowledged.TryGetValue(row[1], out ack);
        var state = ack == null ? AlarmState.Active : AlarmState.Acked;
        if (States.Count > 0 && !States.Contains(state)) continue;
        yield return new object[] { int.Parse(row[1]), Guid.Parse(row[2]), (byte)state, row[6], ack == null ? (object)DBNull.Value : Moment(ack[3]), ack == null ? (object)DBNull.Value : Guid.Parse(ack[5]), ack == null ? 0 : int.Parse(ack[4]) };
      }
    }
  }
}
namespace Genetec.Sdk.Queries.Video {
  public abstract class VideoEventQuery : ReportQuery {
    public const string CameraGuidColumnName = "CameraGuid", EventTimeColumnName = "EventTime", EventTypeColumnName = "EventType", NotesColumnName = "Notes";
    protected VideoEventQuery() { Cameras = new QueryCollection<Guid>(); TimeRange = new TimeRangeFilter(); }
    public QueryCollection<Guid> Cameras { get; private set; }
    public TimeRangeFilter TimeRange { get; private set; }
    protected override string[] Columns { get { return new[] { CameraGuidColumnName, EventTimeColumnName, EventTypeColumnName, NotesColumnName }; } }
    protected IEnumerable<object[]> Of(string kind, int camera, int time, int text, EventType type) {
      return Center.Recorded(kind).Where(row => Cameras.Contains(Guid.Parse(row[camera])) && TimeRange.Has(Moment(row[time]))).Select(row => new object[] { Guid.Parse(row[camera]), Moment(row[time]), (uint)type, row[text] });
    }
  }
  public class CameraEventQuery : VideoEventQuery {
    protected override IEnumerable<object[]> Rows() { return Of("event", 2, 3, 4, EventType.CustomEvent); }
  }
  public class BookmarkEventQuery : VideoEventQuery {
    protected override IEnumerable<object[]> Rows() { return Of("bookmark", 1, 2, 3, EventType.None); }
  }
}
