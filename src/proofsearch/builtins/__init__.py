"""The components that the core itself ships, registered as any third party registers its own."""
