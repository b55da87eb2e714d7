# frozen_string_literal: true

# Settings of the server that speaks HTTP/2 without TLS, too.
http2 true
