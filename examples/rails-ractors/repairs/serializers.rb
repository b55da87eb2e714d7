# frozen_string_literal: true

# Whether there is the gem msgpack is found out when the first message is read, and kept in the module that asks.
Repairs.add "serializers", upstream: "none known" do |repair|
  repair.before do
    formats = ActiveSupport::Messages::SerializerWithFallback
    [formats::MessagePackWithFallback, formats::MessagePackWithFallbackAllowMarshal].each { |one| one.dumped?("") }
  end
end
