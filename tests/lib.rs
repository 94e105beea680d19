//! What crosses services, run against the real parts that `devstack` starts.
