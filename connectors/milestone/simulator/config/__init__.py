"""Config REST: the site's objects, their changes and their tasks."""
