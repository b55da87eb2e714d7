# frozen_string_literal: true

require_relative "frame_case"
require_relative "held_server"

RSpec.describe "Frames by the letter", :integration do
  codes = { "NO_ERROR" => 0, "PROTOCOL_ERROR" => 1, "INTERNAL_ERROR" => 2, "FLOW_CONTROL_ERROR" => 3,
            "STREAM_CLOSED" => 5, "FRAME_SIZE_ERROR" => 6, "REFUSED_STREAM" => 7, "CANCEL" => 8,
            "COMPRESSION_ERROR" => 9, "ENHANCE_YOUR_CALM" => 11 }.freeze

  let(:app) { shareable { ->(env) { [200, {}, [env["rack.input"].read, "hello"]] } } }

  # A client that has not begun.
  def silent(raw)
    Http2Client.allocate.tap do |client|
      client.instance_exec { @raw, @reader, @frames = raw, HpackReader.new, [] }
    end
  end

  def converse_as(conversation)
    RawClient.open(server.url, protocol: "h2") do |raw|
      client = conversation.raw? ? silent(raw) : Http2Client.new(raw)
      sender = Conformance::FrameSender.new(client)
      begin
        conversation.lines.each { |line| sender.send_line(line) }
      rescue Errno::EPIPE, Errno::ECONNRESET
        nil # it has closed already: what it said before is looked at
      end
      compare(client, *conversation.expected)
    end
  end

  define_method(:compare) do |client, name, value|
    case name
    when "closes" then expect(client.raw.read_to_end).to be_a(String)
    when "connection"
      expect(codes.key(client.next_frame(:goaway).code)).to eq(value)
      expect(client).to be_closed
    when /\Astream (\d+)\z/
      expect(codes.key(client.next_frame(:rst_stream, Integer($1)).code)).to eq(value)
      goes_on(client)
    when "either" then either(client, value.split(", "), codes)
    when "malformed"
      stream = Integer(value)
      expect(client.read_head(stream).last.first).to eq(%w[:status 400])
      expect(client.next_frame(:rst_stream, stream).code).to eq(1)
      goes_on(client)
    when "answers"
      value.split.each { |stream| expect(client.answer(Integer(stream)).status).to eq(200) }
    when /\Astatus (\d+)\z/ then expect(client.answer(Integer($1)).status).to eq(Integer(value))
    when "pong"
      expect(client.await { |frame| frame.kind == :ping && frame.flags == 1 }.payload).to eq(value)
    when /\Awindow (\d+)\z/
      expect(client.next_frame(:data, Integer($1)).payload.bytesize).to eq(Integer(value))
    else raise "nobody knows what #{name} is"
    end
  end

  # A race decides: whether the answer was out before.
  def either(client, ways, codes)
    frame = client.await { |one| %i[goaway rst_stream].include?(one.kind) }
    told = "#{frame.kind == :goaway ? "connection" : "stream #{frame.stream}"} #{codes.key(frame.code)}"
    expect(ways).to include(told)
  end

  def goes_on(client) = expect(client.get(101).status).to eq(200)

  each_mode do
    Conformance::FrameCase.all(File.join(__dir__, "frames")).sort.each do |theme, conversations|
      context "in #{theme}" do
        before(:context) { @held = Conformance::HeldServer.new }
        after(:context) { @held.close }

        # No `let`, which would not let the fiber use others.
        define_method(:server) do
          @held.open do |hold|
            serve(app, http2: true) do |server, log|
              log.allow # a request that is refused has a line there
              hold.call(server)
            end
          end
        end

        conversations.each do |conversation|
          it conversation.why do
            converse_as(conversation)
          end
        end
      end
    end
  end
end
