"""Who may see this server's photos: one gate in front of all pages, pictures, uploads, WebSockets and the API."""
