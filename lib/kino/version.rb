# frozen_string_literal: true

module Kino
  # Kino's version, by Semantic Versioning. `Cargo.toml` has the same one.
  VERSION = "0.1.0"
end
