# One instance, registered with the Consul agent beside it, 1.7 or newer. For the folder that the
# agent is given with -config-dir.

service {
  name = "app"
  id   = "app-1"
  port = 8080

  check {
    id   = "app-1-readiness"
    name = "readiness"
    # The management port, where there is one.
    http   = "http://127.0.0.1:8080/z/health/readiness"
    method = "GET"

    # An instance that drains answers 503 here at once, and serves requests for its drain_delay, 10 s.
    # It is critical after interval x failures_before_critical, 4 s, and who asks the agent's DNS
    # keeps the answer for a time to live: together they have to be less.
    interval                 = "2s"
    failures_before_critical = 2
    success_before_passing   = 2
    # A probe is answered within its budget of 800 ms.
    timeout = "1s"

    # The service redirects nobody. What does is something else on its port.
    disable_redirects = true

    # An instance that never says goodbye. Consul waits no less than a minute.
    deregister_critical_service_after = "10m"
  }
}
