# frozen_string_literal: true

require_relative "fleet"
require_relative "orders"
require_relative "reaper"

module Kino
  # What follows from the end of one of a parent's processes.
  #
  # @api private
  module Deaths
    private

    # Those that are gone.
    def reap
      Reaper.gone(children).each do |child, ending|
        listen(child) unless child.wire.closed? # what it told last
        lost = @watch.lost_with(child)
        bury(child)
        stopping? ? @shutdown.gone(child, ending, lost) : mourn(child, ending, lost)
      end
    end

    def bury(child)
      children.delete(child)
      child.wire.close
      @watch.forget(child)
    end

    def mourn(child, ending, lost)
      fault = child.fault || "it ended#{ending}#{lost}"
      if child.index then tell(child, fault, "#{ending}#{lost}", @fleet.gone(child))
      elsif @announced then @renewal.mold_gone(child, fault)
      else give_up(child.fault || "the app could not be booted: its process ended#{ending}")
      end
    end

    def tell(child, fault, ending, outcome)
      # What is tried has failed, whoever's place that was, and what it was to follow may boot yet.
      outcome = :failed if %i[unbooted hopeless].include?(outcome) && @renewal.tries?(child.mold)
      case outcome
      when :died then @voice.complain("#{child} died#{ending}; another takes its place")
      when :unbooted then @voice.complain("#{child} could not boot: #{fault}")
      when :failed then @renewal.failed(child, fault)
      when :hopeless
        give_up("#{child} could not boot #{Fleet::ATTEMPTS} times in a row, so the server ends; the last time: " \
                "#{fault}")
      end
    end

    def give_up(reason)
      @voice.complain(reason)
      begin_stop(Orders::ASKED)
      @shutdown.fault
    end
  end

  private_constant :Deaths
end
