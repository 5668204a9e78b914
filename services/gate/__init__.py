"""Forward-auth: may this request enter that app, and who is it? Knows nothing of requests."""
