# frozen_string_literal: true

# What Kino reads when it starts in this folder. `kino --init` writes one with every setting explained.

bind "tcp://127.0.0.1:50051"

# Clients of gRPC begin with HTTP/2 at once. Over TLS (`ssl://`) it is agreed on in the handshake, without this.
http2 true

# A method sees messages as they come. Each call has a thread while it lasts; half of them may be calls whose client has
# not said its last yet.
stream_bodies true
threads 32

# A client may be silent for as long as it likes: its call is over when it says so, or its connection ends.
body_timeout 86_400
body_min_rate 0
max_body_size nil
