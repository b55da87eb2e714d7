# frozen_string_literal: true

module Bench
  module Hostile
    # What the app answers with, and the clients know.
    module Content
      HELLO = "Hello, World!"
      BIG = ("0123456789abcdef" * 625_000).freeze
      # Of so many copies of this, each a string of its own, consists what is large in another way.
      PIECE = ("0123456789abcdef" * 1_024).freeze
      PIECES = 1_024
      # Of fewer what is a client's own, and not large.
      FEW = 16
    end
  end
end
