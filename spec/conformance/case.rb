# frozen_string_literal: true

require_relative "answer"
require_relative "notation"

module Conformance
  # A file of requests/: a conversation over one connection. README.md has the format.
  Case = Data.define(:theme, :name, :why, :turns) do
    # All there are, by theme.
    def self.all(folder)
      Dir[File.join(folder, "*", "*.http")].map { |path| read(path) }.group_by(&:theme)
    end

    def self.read(path)
      blocks = File.readlines(path, chomp: true).reject(&:empty?).slice_when do |before, line|
        line.start_with?("#") && !before.start_with?("#")
      end
      parts = blocks.map { |lines| Turn.parts(lines) }
      new(theme: File.basename(File.dirname(path)), name: File.basename(path, ".http"), why: parts.first.first,
          turns: parts.map { |_, turn| turn }).tap(&:check)
    rescue RuntimeError, ArgumentError, KeyError => e
      raise e.class, "#{path}: #{e.message}"
    end

    def answers = turns.flat_map(&:answers)

    # Whether the connection closes in the end.
    def closes? = answers.last.closes

    # A file that expects what could never be met is wrong, not the server.
    def check
      raise "it doesn't say why" if why.empty?
      raise "it expects no answer" if turns.any? { |turn| turn.answers.empty? }
      raise "it sends nothing" if turns.any? { |turn| turn.request.empty? }
      raise "it goes on after the end" if answers[..-2].any?(&:closes)
    end
  end

  # What is sent in one go, and what is to come before the next.
  Turn = Data.define(:request, :answers) do
    # The prose that begins a turn, and the turn.
    def self.parts(lines)
      told, sent = lines.partition { |line| line.start_with?("#") }
      told = told.map { |line| line.delete_prefix("#").strip }
      prose = told.take_while { |line| !line.start_with?("status:") }
      answers = told.drop(prose.size).map { |line| name_and_value(line) }.slice_before { |name,| name == "status" }
      [prose.join(" "), new(request: Notation.bytes(sent.join), answers: answers.map { |told_of| Answer.of(told_of) })]
    end

    def self.name_and_value(line)
      line.match(/\A([a-z]+):(?: (.*))?\z/)&.captures&.then { |name, value| [name, value.to_s] } ||
        raise("#{line.inspect} is no name: value")
    end
    private_class_method :name_and_value
  end
end
