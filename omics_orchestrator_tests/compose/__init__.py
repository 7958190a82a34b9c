"""The server stack in containers, brought up for real: `make test-compose`."""
