"""What keeps a worker alive on its host: backups and their way back, uptime monitors, a start that failed told."""
