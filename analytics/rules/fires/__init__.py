"""What ``fire`` decides by: flames, smoke, and places where they keep being found."""
