"""What a mine is: schema, readers, writers, geometry and the bundled mine."""
