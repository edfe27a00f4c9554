"""What alerts become: events, alarms, bookmarks, evidence locks, triggers."""
