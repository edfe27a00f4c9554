"""What Vigie tells of itself to Prometheus and OpenTelemetry. Off until the site file says where."""
