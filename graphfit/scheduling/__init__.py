"""Where pieces run, what becomes of them, and how long they may take."""
