# frozen_string_literal: true

module Kino
  # `env["puma.mark_as_io_bound"]`, where `max_io_threads` allows for it: one for all requests, so that it costs none
  # anything. It means the request that the calling thread serves, and does nothing on a thread that serves none;
  # `env["kino.request"].mark_as_io_bound` knows its request, wherever it is called.
  #
  # @api private
  module IoBound
    # What Puma calls it in an env.
    KEY = "puma.mark_as_io_bound"

    # @return [Boolean] whether the request that this thread serves doesn't count against the most threads from now on
    def self.call = Native.mark_as_io_bound
  end

  private_constant :IoBound
end
