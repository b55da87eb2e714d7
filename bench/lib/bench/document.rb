# frozen_string_literal: true

require_relative "problem"

module Bench
  # doc/benchmarks.md: prose by people, and between two markers of its own what each command writes.
  class Document
    PATH = File.join(ROOT, "doc/benchmarks.md")

    # @param command [String] the markers name it
    def initialize(command)
      @first = "<!-- #{command} --write: begin -->"
      @last = "<!-- #{command} --write: end -->"
    end

    # @param markdown [String] takes the place of all that was there
    # @raise [Problem] when the markers are not there
    def write(markdown)
      replace { markdown }
    end

    # Keeps what is there under other titles, in the titles' order.
    # @param title [String] of a section
    # @param markdown [String]
    # @raise [Problem] when the markers are not there
    def write_section(title, markdown)
      replace do |there|
        sections = there.split(/^### (.*)\n/).drop(1).each_slice(2).to_h
        sections[title] = "\n#{markdown}"
        sections.sort.map { |name, text| "### #{name}\n#{text.rstrip}\n" }.join("\n")
      end
    end

    # @param text [String] the document's
    # @return [String] what the command has written there; empty where the markers are not there
    def part(text = File.read(PATH))
      text.partition(@first).last.then { |rest| rest.include?(@last) ? rest.partition(@last).first : "" }
    end

    private

    # @yieldparam there [String]
    # @yieldreturn [String]
    def replace
      before, found, rest = File.read(PATH).partition(@first)
      there, closed, after = rest.partition(@last)
      if found.empty? || closed.empty?
        raise Problem, "doc/benchmarks.md needs the lines #{@first} and #{@last}, in that order"
      end

      File.write(PATH, "#{before}#{@first}\n#{yield there}#{@last}#{after}")
    rescue Errno::ENOENT
      raise Problem, "there is no doc/benchmarks.md to write to"
    end
  end
end
