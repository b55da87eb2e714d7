# frozen_string_literal: true

module Kino
  # Which mold processes are forked from, and which is to follow it: one that is booted anew for a restart, or a process
  # that has served. Until the first process of the new one serves, the one before stays.
  #
  # ```
  #   current                           --boot--> current
  #   current, candidate (it boots)     --booted--> source is the candidate --a process of it serves--> current
  #                      \--it fails, or its process does: the candidate leaves, current goes on
  # ```
  #
  # @api private
  class Molds
    # @return [Child, nil] the one that all goes on with
    attr_accessor :current
    # @return [Child, nil] the one that is to follow
    attr_reader :candidate
    # @return [Symbol, nil] what it is for: `:restart`, `:refork` or `:reload`
    attr_reader :reason

    # @param child [Child] that boots
    # @param reason [Symbol]
    # @return [void]
    def try(child, reason)
      @candidate = child
      @reason = reason
    end

    # @return [Boolean] whether there is none, and none that is to be
    def none? = @current.nil? && @candidate.nil?

    # @return [Child, nil] what is forked from now; nil while there is none
    def source = [@candidate, @current].find { |mold| mold&.served_since && !mold.leaving? }

    # A process of the candidate serves: it is the mold from now on.
    #
    # @return [Boolean] whether there was one
    def settle
      return false unless @candidate&.served_since

      @current&.drain
      @current = @candidate
      @candidate = nil
      true
    end

    # The candidate is none.
    #
    # @return [Child, nil] what was one
    def give_up
      candidate = @candidate
      @candidate = nil
      candidate
    end
  end

  private_constant :Molds
end
