"""The value ``confidence``: how sure the policy is at a state, in linear weights fitted on decisions."""
