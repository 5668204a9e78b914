"""The use cases. They know nothing of requests, forms or pages."""
