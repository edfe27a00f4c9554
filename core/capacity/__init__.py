"""What this machine carries: measured once by a bench, then asked for every camera and by ``vigie size``."""
