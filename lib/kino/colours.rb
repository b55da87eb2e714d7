# frozen_string_literal: true

module Kino
  # Colours for a terminal, where they are wanted: never where output is no terminal, or `NO_COLOR` is set to anything;
  # `FORCE_COLOR` has them where there is no terminal.
  #
  # @api private
  class Colours
    # What each is for a terminal.
    CODES = { bold: 1, faint: 2, red: 31, green: 32, yellow: 33 }.freeze
    # A colour, or one character.
    PART = /\e\[[\d;]*m|./m
    private_constant :CODES, :PART

    # @param io [IO] where the text goes
    # @param env [Hash{String => String}, ENV]
    # @return [Colours]
    def self.for(io, env = ENV) = new(wanted?(io, env))

    # @return [Colours] none
    def self.none = new(false)

    def self.wanted?(io, env)
      return false unless env["NO_COLOR"].to_s.empty?
      return env["FORCE_COLOR"] != "0" unless env["FORCE_COLOR"].to_s.empty?

      io.respond_to?(:tty?) && io.tty? && env["TERM"] != "dumb"
    end
    private_class_method :wanted?

    # @param is_on [Boolean]
    def initialize(is_on) = @is_on = is_on

    # @param text [String]
    # @param styles [Array<Symbol>] of `:bold`, `:faint`, `:red`, `:green`, `:yellow`
    # @return [String] the text so, or as it is
    def paint(text, *styles)
      @is_on ? "\e[#{styles.map { |style| CODES.fetch(style) }.join(";")}m#{text}\e[0m" : text
    end

    # @param line [String] one that may have colours
    # @param columns [Integer]
    # @return [String] so much of it as goes into so many columns, with all of its colours' ends
    def self.cut(line, columns)
      left = columns
      line.scan(PART).select { |part| part.start_with?("\e[") || (left -= 1) >= 0 }.join
    end
  end

  private_constant :Colours
end
