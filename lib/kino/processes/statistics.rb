# frozen_string_literal: true

module Kino
  # What all processes of a server count.
  #
  # @api private
  module Statistics
    # Of a process, besides its counters.
    KEPT = %i[pid beat waiting in_flight].freeze
    # What is a time and no number: the first one counts.
    TIME = :tls_certificate_expires
    private_constant :KEPT, :TIME

    # @param scoreboard [Native::Scoreboard]
    # @param slots [Hash{Integer => Integer}] processes, from 0, and their places on it
    # @return [Hash{Symbol => Object}] the sums, by the names of {Server#stats}, and `:processes`: for each the same
    #   with its number, `:pid`, how many seconds ago it was last alive (`:beat`), how many requests wait, and what
    #   it is at
    def self.of(scoreboard, slots)
      processes = slots.map do |index, slot|
        told = scoreboard.read(slot)
        { process: index + 1, **told.slice(*KEPT), **told[:stats] }
      end
      sums = processes.map { |one| one.except(:process, *KEPT) }
      sums.reduce({}) { |sum, one| sum.merge(one) { |name, a, b| together(name, a, b) } }.merge(processes: processes)
    end

    def self.together(name, one, other) = name == TIME ? [one, other].reject(&:zero?).min.to_i : one + other
    private_class_method :together

    # What is served, in one line for people.
    #
    # @param site [Site]
    # @param fleet [Fleet]
    # @param mode [Symbol, nil] what workers really are, where that is known
    # @param is_stopping [Boolean]
    # @return [String]
    def self.line(site, fleet, mode:, is_stopping:)
      # Also of those that are leaving, which finish what they have begun, but none that has come to its end.
      running = fleet.processes.filter_map(&:slot).sum { |slot| site.scoreboard.read(slot)[:running] }
      settings = mode ? site.configuration.with(mode: mode) : site.configuration
      "#{is_stopping ? "Stopping" : "Serving"}: #{running} request#{"s" if running != 1} running " \
        "(#{fleet.serving.size} of #{fleet.size} processes, workers x threads: " \
        "#{settings.workers} x #{settings.threads_in_words})"
    end
  end

  private_constant :Statistics
end
