# frozen_string_literal: true

# An answer as it came over the wire: fields are [name, value] pairs in the order they came.
RawResponse = Data.define(:version, :status, :reason, :fields, :framing, :body) do
  # How the head says its body is delimited: :none, :chunked, an Integer length or :until_close.
  def self.framing(status, fields, to:)
    value = ->(name) { fields.assoc(name)&.last }
    if to == "HEAD" || status < 200 || [204, 304].include?(status) then :none
    elsif value["transfer-encoding"] == "chunked" then :chunked
    elsif value["content-length"] then Integer(value["content-length"], 10)
    else
      :until_close
    end
  end

  # One value, whole; a field that came twice is a failure to ask for it this way.
  def [](name)
    found = values(name)
    raise KeyError, "#{name} came #{found.size} times: #{found.inspect}" if found.size > 1

    found.first
  end

  def values(name) = fields.select { |field,| field == name }.map(&:last)

  def names = fields.map(&:first)
end
