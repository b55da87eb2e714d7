# frozen_string_literal: true

module Kino
  # What a {Renewal} does where it comes to nothing: before any process was replaced nothing has changed, and after that
  # all goes back, as far as what was before is still there.
  #
  # @api private
  module Undoing
    private

    def give_up(fault)
      @fleet.forget_replacements
      @molds.give_up&.drain
      @is_waiting = false
      return tell_unreplaced(fault) unless @reason
      return go_back(fault) if goes_back?

      undo if read_again? && !@has_changed
      rest = @has_changed ? "processes that were not replaced go on as they are" : "all goes on as before"
      @voice.complain("the #{@reason} is given up, and #{rest}: #{fault}")
      @reason = nil
    end

    # Whether those that were replaced can be replaced again by what was before. An app that each process boots for
    # itself is on the disk, and no more as it was.
    def goes_back? = @has_changed && (@reason == :restart ? @molds.former? : @reason == :reload)

    # Nobody is to be served by one half of the old and one half of the new.
    def go_back(fault)
      @voice.complain("the #{@reason} is given up, and all goes back to how it was: #{fault}")
      @reason == :restart ? @molds.go_back : tell_unread
      @undo&.call
      @reason = :return
      @has_changed = false
      @fleet.go_back_to(@before)
    end

    # Whether what is under way began with settings that were read again.
    def read_again? = @reason == :reload || @reason == :restart && !preload?

    # Whoever takes the place of one that dies goes by what that went by.
    def undo
      @undo&.call
      tell_unread
    end

    def tell_unread = (@molds.current&.wire&.tell("unread") if preload?)

    def tell_unreplaced(fault)
      @voice.complain("a process could not be replaced, and all goes on as before: #{fault}")
    end

    def give_up_server(fault)
      @overlap = nil
      @voice.complain("the restart is given up, and all goes on as before: #{fault}")
      false
    end
  end

  private_constant :Undoing
end
