# frozen_string_literal: true

require_relative "case"
require_relative "held_server"

RSpec.describe "Requests by the letter", :integration do
  # What requests/limits is written for.
  small = { max_header_size: 1024, max_headers: 8, max_uri_size: 64, max_body_size: 16 }.freeze

  # Answers with the env's strings, the body and the trailers.
  let(:echo) do
    shareable do
      lambda do |env|
        body = env["rack.input"]&.read.to_s
        Probes.answer([Probes.strings(env), body, env["kino.trailers"]])
      end
    end
  end

  # Sends what the case says, turn by turn, and reads what comes.
  def converse_as(conversation)
    RawClient.open(server.url) do |client|
      conversation.turns.each do |turn|
        client.write(turn.request)
        turn.answers.each { |answer| compare(client.read_response(to: answer.to), answer) }
      end
      ending = conversation.closes? ? client.read_to_end : client.get("/next").status
      expect(ending).to eq(conversation.closes? ? "" : 200)
    end
  end

  def compare(response, answer)
    given = "#{response.status} #{response.reason}#{": #{response.body}" unless response.status == 200}"
    expect(given).to start_with(answer.status.to_s).and(include(answer.says.to_s))
    expect(response.fields.to_h).to include(answer.fields)
    expect(response["connection"].to_s.include?("close")).to eq(answer.closes)
    compare_seen(Probes.read(response), answer) if answer.app? && answer.to != "HEAD"
  end

  def compare_seen((env, body, trailers), answer)
    usual = answer.env["SERVER_PORT"] == "80" && over_tls ? { "SERVER_PORT" => "443" } : {}
    expect(env.transform_values(&:b)).to include(**answer.env, **usual)
    expect(env.keys & answer.absent).to eq([])
    expect(body).to eq(answer.body) if answer.body
    expect(trailers).to eq(answer.trailers) if answer.trailers
  end

  # What is counted while the block runs.
  def counted(*names)
    before = server.stats.values_at(*names)
    yield
    server.stats.values_at(*names).zip(before).map { |now, then_| now - then_ }
  end

  each_mode do
    Conformance::Case.all(File.join(__dir__, "requests")).sort.each do |theme, conversations|
      context "in #{theme}" do
        before(:context) { @held = Conformance::HeldServer.new }
        after(:context) { @held.close }

        let(:settings) { theme == "limits" ? small : {} }

        # No `let`, which would not let the fiber use others.
        define_method(:server) do
          @held.open do |hold|
            serve(echo, **settings) do |server, log|
              log.allow # a request that is refused has a line there
              hold.call(server)
            end
          end
        end

        conversations.each do |conversation|
          it "#{conversation.name}: #{conversation.why}" do
            answers = conversation.answers
            limits = answers.filter_map(&:counts).map(&:to_sym)
            calls, *met = counted(:requests, *limits) { converse_as(conversation) }
            # The last one shows that the connection goes on.
            expect(calls).to eq(answers.count(&:app?) + (conversation.closes? ? 0 : 1))
            expect(met).to eq(limits.map { 1 })
          end
        end
      end
    end
  end
end
