# frozen_string_literal: true

require "json"
require "support/kino_process"
require "support/web_socket"

RSpec.describe "Action Cable" do
  include KinoProcess::Helpers

  # One channel. Its messages are told in step, since Rails hands them to threads of two pools, in any order: the next
  # is told when every client's connection has been given the last.
  before do
    write("config/cable.yml", "production:\n  adapter: async\n")
    write("config/application.rb", <<~RUBY)
      require "rails"
      require "action_controller/railtie"
      require "action_cable/engine"

      class News < Rails::Application
        config.load_defaults 7.2
        config.root = File.dirname(__dir__)
        config.eager_load = true
        config.secret_key_base = "of no use to anyone" * 2
        config.logger = Logger.new($stderr)
        config.log_level = :error
        config.hosts.clear
        config.action_cable.allowed_request_origins = ["http://localhost"]
        routes.append do
          get "hello", to: ->(_) { [200, {}, ["hello"]] }
          get "tell", to: ->(env) { Report.call(env) }
        end
      end

      class NewsChannel < ActionCable::Channel::Base
        GIVEN = Queue.new
        GO_ON = Queue.new

        def subscribed = stream_from("news", coder: ActiveSupport::JSON) { |news| transmit(news) && GIVEN << true }

        def go_on = GO_ON << true
      end

      # Tells `count` messages to that many `clients`. With `wait` it waits in the middle until a client says go_on.
      class Report
        def self.call(env)
          clients, count, wait = env["QUERY_STRING"].scan(/\\d+/).map(&:to_i)
          1.upto(count) do |number|
            NewsChannel::GO_ON.pop if number == wait
            ActionCable.server.broadcast("news", { number: number })
            clients.times { NewsChannel::GIVEN.pop }
          end
          [200, {}, ["told \#{count} to \#{clients}"]]
        end
      end
    RUBY
    write("config.ru", "require_relative 'config/application'\nRails.application.initialize!\nrun Rails.application\n")
  end

  let(:channel) { { channel: "NewsChannel" }.to_json }
  let(:server) { kino("-b", "tcp://127.0.0.1:0", "-e", "production", "-m", "threaded", "-w", "1", "-t", "3") }

  # Rails pings each connection every three seconds.
  def hear(client)
    loop do
      message = JSON.parse(client.message)
      return message unless message["type"] == "ping"
    end
  end

  def command(client, name, **more) = client.send_text({ command: name, identifier: channel, **more }.to_json)

  # Clients that the channel has confirmed.
  def subscribe(count)
    url = server.url
    Array.new(count) do
      client = WebSocketClient.open(url, "/cable", headers: { "Origin" => "http://localhost" },
                                                   protocols: %w[actioncable-v1-json actioncable-unsupported])
      expect([client.protocol, hear(client)]).to eq(["actioncable-v1-json", { "type" => "welcome" }])
      command(client, "subscribe")
      expect(hear(client)).to eq("identifier" => channel, "type" => "confirm_subscription")
      client
    end
  end

  # The numbers of the next messages that each client is told.
  def numbers(clients, count)
    concurrently(clients.size) { |index| Array.new(count) { hear(clients[index]).dig("message", "number") } }
  end

  # A request that lasts as long as its messages.
  def tell(query) = RawClient.open(server.url).write(RawClient.message("GET", "/tell?#{query}"))

  it "tells a hundred clients a thousand messages in order, answers others meanwhile, and ends with them connected" do
    clients = subscribe(100)
    report = tell("clients=100&count=1000")
    told = Thread.new { numbers(clients, 1000) }
    expect(server.get("/hello").body).to eq("hello")
    expect(told.value.uniq).to eq([[*1..1000]])
    expect(report.read_response.body).to eq("told 1000 to 100")

    expect(server.signal(:TERM).status).to eq(0)
    expect(clients.map(&:closed).uniq).to eq([[WebSocketClient::ABNORMAL, ""]])
    expect(server.err).to eq("")
  end

  it "goes on while the server drains: clients say what ends the last request, and hear all that it tells" do
    clients = subscribe(100)
    report = tell("clients=100&count=40&wait=21")
    expect(numbers(clients, 20).uniq).to eq([[*1..20]])
    url = server.url
    server.signal(:TERM)
    eventually("it takes no more connections") { refused?(url) }
    command(clients.first, "message", data: { action: "go_on" }.to_json)
    expect(numbers(clients, 20).uniq).to eq([[*21..40]])
    last = report.read_response
    expect([last.body, last["connection"]]).to eq(["told 40 to 100", "close"])

    expect(server.status).to eq(0)
    expect(server.err).to eq("")
  end
end
