"""What ``abandoned_object`` decides by: changes of the scene that stay, and who brought them."""
