# frozen_string_literal: true

require_relative "notation"

module Conformance
  # One answer that is to come. README.md tells what each of these is.
  Answer = Data.define(:status, :to, :fields, :says, :env, :absent, :body, :trailers, :counts, :closes) do
    # Of lines such as ["status", "200"], of which several may have the same name.
    def self.of(lines)
      told = lines.group_by(&:first).transform_values { |pairs| pairs.map(&:last) }
      one = lambda do |name|
        first, second = told.delete(name)
        second ? raise("#{name} is told twice") : first
      end
      pairs = ->(name) { told.delete(name)&.to_h { |value| pair(value) } }
      no_trailers = one["trailers"] && {}
      answer = new(status: Integer(one["status"], 10), to: one["to"] || "GET", fields: pairs["field"] || {},
                   says: one["says"], env: pairs["env"] || {}, absent: told.delete("absent") || [],
                   body: one["body"]&.then { |text| Notation.bytes(text) }, trailers: pairs["trailer"] || no_trailers,
                   counts: one["counts"], closes: one["closes"] == "yes")
      told.empty? ? answer : raise("#{told.keys.join(", ")} can't be told of an answer")
    end

    def self.pair(text)
      name, value = text.split("=", 2)
      value ? [Notation.bytes(name), Notation.bytes(value)] : raise("#{text.inspect} is no name=value")
    end
    private_class_method :pair

    # Whether it is the app that gives it.
    def app? = status == 200
  end
end
