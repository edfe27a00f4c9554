"""What is marked in recordings: bookmarks and evidence locks."""
