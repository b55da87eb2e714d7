# frozen_string_literal: true

module Kino
  # Which workers of a process have run their `on_worker_boot`: it serves once all have.
  #
  # @api private
  class Boots
    # What is called last of those hooks; ractors can share it.
    #
    # @!attribute [r] descriptor
    #   @return [Integer] of a pipe
    Hook = Data.define(:descriptor) do
      # @param index [Integer] which worker, from 0
      # @return [void]
      def call(index)
        IO.for_fd(descriptor, "w", autoclose: false).write_nonblock([index].pack("N"), exception: false)
      end
    end
    private_constant :Hook

    # @param configuration [Configuration]
    def initialize(configuration)
      @configuration = configuration
      @booted = []
      @reader, @writer = IO.pipe unless configuration.on_worker_boot.empty?
    end

    # @return [Configuration] what the process is to go by
    def configuration
      return @configuration unless @writer

      @configuration.with(on_worker_boot: [*@configuration.on_worker_boot, Hook.new(@writer.fileno)])
    end

    # @return [IO, nil] readable when {#all?} may have changed; nil where workers have nothing to boot
    def to_io = @reader

    # Takes note of those that have booted since, again where one has another's place.
    #
    # @param mode [Symbol] what workers are
    # @return [Boolean] whether all have booted
    def all?(mode)
      return true unless @reader

      bytes = @reader.read_nonblock(1024, exception: false)
      @booted |= bytes.unpack("N*") unless bytes == :wait_readable
      @booted.size >= @configuration.with(mode: mode).workers
    end

    # Lets go of the pipe; no worker may run any more.
    #
    # @return [void]
    def close = [@reader, @writer].compact.each(&:close)
  end

  private_constant :Boots
end
