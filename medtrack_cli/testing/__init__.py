"""What the pytest plugin's fixtures give: a broker, a tap, a way to publish."""
