"""What keeps a wrong or slow model from doing harm: the circuit breaker."""

from dwcp.safety.breaker import TRANSITIONS, BreakerEvent, BreakerSettings, BreakerState, CircuitBreaker

__all__ = ["TRANSITIONS", "BreakerEvent", "BreakerSettings", "BreakerState", "CircuitBreaker"]
