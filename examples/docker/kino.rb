# frozen_string_literal: true

# WEB_CONCURRENCY=auto is a process for each CPU that the container's quota pays for.
processes ENV.fetch("WEB_CONCURRENCY", 1)

# Told to stop, go on for as long as load balancers need to hear of it, and end within what the host waits for: docker
# stop waits 10 seconds (-t), Kubernetes 30 (terminationGracePeriodSeconds).
drain_delay 5
shutdown_timeout 25

# The ingress, or whatever stands before it, in the cluster's own network.
trusted_proxies %w[10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 127.0.0.0/8]

# Probes ask here, and Kino itself answers: 503 from SIGTERM on, and where requests wait that no thread takes.
health_path "/up"
