"""What-if studies: many scenarios of a mine, each solved to a proven gap."""
