"""The published protocols: the .proto files, and the messages made from them."""
