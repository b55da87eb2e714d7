# frozen_string_literal: true

require "cgi/escape"

module Bench
  module Charts
    # Bars in groups, as SVG. The bars of a group have its own scale, for groups differ by a hundred times.
    class Bars
      # What is drawn on what, by theme. Kino's bars have the colour.
      THEMES = { "light" => { text: "#1f2328", faint: "#59636e", ours: "#c0392b", others: "#b6bec8" },
                 "dark" => { text: "#f0f6fc", faint: "#9198a1", ours: "#ff7b6b", others: "#4b535d" } }.freeze
      WIDTH = 720
      LEFT = 250
      LONGEST = 360
      BAR = 16
      STEP = 22
      GAP = 34
      TOP = 62

      # @!attribute name [String] of the group
      # @!attribute bars [Hash{String => Float}] by whose they are; those of Kino begin with its name
      Group = Data.define(:name, :bars)

      # @param title [String]
      # @param unit [String] behind each number
      # @param groups [Array<Group>]
      def initialize(title, unit, groups)
        @title = title
        @unit = unit
        @groups = groups
      end

      # @param theme [String] one of {THEMES}
      # @return [String] SVG
      def to_svg(theme)
        @colours = THEMES.fetch(theme)
        y = TOP
        drawn = @groups.map { |group| group(group, y).tap { y += (group.bars.size * STEP) + GAP } }
        height = y - 12
        <<~SVG
          <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 #{WIDTH} #{height}" width="#{WIDTH}" height="#{height}"
            role="img" font-family="system-ui, sans-serif">
          <title>#{escape(@title)}</title>
          <desc>#{escape(description)}</desc>
          #{text(0, 20, @title, size: 17, weight: 600)}
          #{text(0, 40, "shorter is better; each group has its own scale", size: 12, colour: :faint)}
          #{drawn.join("\n")}
          </svg>
        SVG
      end

      # The same in words, for whoever sees none of it.
      #
      # @return [String]
      def description
        @groups.map do |group|
          "#{group.name}: #{group.bars.map { |name, value| "#{name} #{number(value)}" }.join("; ")}."
        end.join(" ")
      end

      private

      def group(group, top)
        most = group.bars.values.max
        rows = group.bars.each_with_index.map { |(name, value), at| row(name, value, most, top + 12 + (at * STEP)) }
        [text(0, top, group.name, size: 13, weight: 600), *rows].join("\n")
      end

      def row(name, value, most, top)
        length = [(value / most * LONGEST).round(1), 2].max
        colour = @colours[name.start_with?("Kino") ? :ours : :others]
        [text(LEFT - 10, top + 12, name, size: 12, anchor: "end"),
         %(<rect x="#{LEFT}" y="#{top}" width="#{length}" height="#{BAR}" rx="2" fill="#{colour}"/>),
         text(LEFT + length + 7, top + 12, number(value), size: 12, colour: :faint)].join("\n")
      end

      def number(value) = "#{value >= 100 ? value.round : value.round(1)} #{@unit}"

      def text(left, base, what, size:, weight: 400, colour: :text, anchor: "start")
        %(<text x="#{left}" y="#{base}" font-size="#{size}" font-weight="#{weight}" fill="#{@colours[colour]}" ) +
          %(text-anchor="#{anchor}">#{escape(what)}</text>)
      end

      def escape(text) = CGI.escapeHTML(text)
    end
  end
end
