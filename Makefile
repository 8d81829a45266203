# The front door. `make run` and `make test` install what is missing, build, and go.
.PHONY: build
build:
	cmake --preset release && cmake --build --preset release
