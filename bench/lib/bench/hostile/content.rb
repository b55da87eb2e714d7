# frozen_string_literal: true

module Bench
  module Hostile
    # What the app answers with, and the clients know.
    module Content
      HELLO = "Hello, World!"
      BIG = ("0123456789abcdef" * 625_000).freeze
    end
  end
end
