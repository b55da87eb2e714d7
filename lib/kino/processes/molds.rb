# frozen_string_literal: true

module Kino
  # Which mold processes are forked from, and which is to follow it: one that is booted anew for a restart, or a process
  # that has served. Until the first process of the new one serves, the one before stays; and until all do, where that
  # may come to nothing and has to be undone.
  #
  # ```
  #   current                           --boot--> current
  #   current, candidate (it boots)     --booted--> source is the candidate --a process of it serves--> former, current
  #                      \--it fails, or its process does: the candidate leaves, current goes on
  #   former, current   --all serve: the former leaves
  #                      \--another process can't boot, or current dies: former is current again
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

      # What has served is as good as what it has served by, and two of them take more memory than one.
      @reason == :restart ? @former = @current : @current&.drain
      @current = @candidate
      @candidate = nil
      true
    end

    # All processes are of the one that is current.
    #
    # @return [void]
    def finish
      @former&.drain
      @former = nil
    end

    # The one before goes on, whether there is still a current one.
    #
    # @return [void]
    def go_back
      @current&.drain
      @current = @former
      @former = nil
    end

    # @return [Boolean] whether the one before is still there
    def former? = !@former.nil?

    # It has come to its end.
    #
    # @param child [Child]
    # @return [void]
    def gone(child)
      @current = nil if child == @current
      @former = nil if child == @former
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
