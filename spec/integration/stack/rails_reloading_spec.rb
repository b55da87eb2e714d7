# frozen_string_literal: true

require "fileutils"
require "support/kino_process"

# Rails' own reloading, in development, beside requests that run: KINO_EDITS=1000 edits a file so many times.
RSpec.describe "A Rails app whose code changes" do
  include KinoProcess::Helpers

  edits = Integer(ENV.fetch("KINO_EDITS", 60))
  clients = 4

  # Each edit is whole when it is seen, and later than the one before, however coarse the file system's clock is.
  def edit(number)
    @begun = Time.now - 100_000 unless @begun
    path = File.join(folder, "app/controllers/version_controller.rb")
    File.write("#{path}.new", <<~RUBY)
      class VersionController < ActionController::Base
        NUMBER = #{number}
        def show = render(plain: NUMBER.to_s)
        def wait
          before = NUMBER
          File.write(Rails.root.join("tmp/waits"), "")
          sleep 0.01 until Rails.root.join("tmp/go_on").exist?
          render plain: [before, VersionController::NUMBER, self.class::NUMBER].join(" ")
        end
      end
    RUBY
    File.utime(@begun + number, @begun + number, "#{path}.new")
    File.rename("#{path}.new", path)
  end

  before do
    write("config.ru", <<~RUBY)
      require "rails"
      require "action_controller/railtie"

      class Changing < Rails::Application
        config.load_defaults Rails::VERSION::STRING.to_f
        config.root = __dir__
        config.eager_load = false
        config.enable_reloading = true
        config.secret_key_base = "of no use to anyone" * 4
        config.logger = ActiveSupport::Logger.new($stderr)
        config.log_level = :fatal
        config.hosts.clear
        routes.append { %w[show wait].each { |name| get name, to: "version#\#{name}" } }
      end
      Changing.initialize!
      run Rails.application
    RUBY
    FileUtils.mkdir_p(%W[#{folder}/app/controllers #{folder}/tmp])
    edit(0)
    @server = kino("-b", "tcp://127.0.0.1:0", "-t", "6")
  end

  def ask(path) = RawClient.open(@server.url) { |client| client.get(path).body }

  it "answers with the code as it was when the request came, or newer, and always: #{edits} edits between requests" do
    RawClient.open(@server.url) do |client|
      (1..edits).each do |number|
        edit(number)
        expect(client.get("/show").body).to eq(number.to_s)
      end
    end
  end

  it "answers so while #{clients} clients ask all along: #{edits} edits during requests" do
    written = seen = 0
    is_over = false
    askers = Array.new(clients) do
      Thread.new do
        RawClient.open(@server.url) do |client|
          until is_over
            least = written
            answer = Integer(client.get("/show").body)
            expect(answer).to be_between(least, written + 1)
            seen += 1
          end
        end
      end
    end
    RawClient.open(@server.url) do |client|
      (1..edits).each do |number|
        edit(number)
        written = number
        expect(client.get("/show").body).to eq(number.to_s)
      end
    end
    is_over = true
    expect(askers.map { |thread| thread.join(KinoProcess::DEADLINE) }).to all(be_a(Thread))
    expect(seen).to be > clients
    expect(@server.signal(:TERM).status).to eq(0)
    expect(@server.err).to eq("")
  end

  def wait_in_app
    Thread.new { ask("/wait") }.tap { eventually("it waits") { File.exist?("#{folder}/tmp/waits") } }
  end

  def go_on = File.write("#{folder}/tmp/go_on", "")

  it "serves others while a request waits, as one at a breakpoint does" do
    waiting = wait_in_app
    3.times { expect(ask("/show")).to eq("0") }
    expect(waiting).to be_alive
    go_on
    expect(waiting.value).to eq("0 0 0")
  end

  it "reloads once a request that waits is over, and serves those that come meanwhile with the new code" do
    waiting = wait_in_app
    edit(1)
    later = Array.new(3) { Thread.new { ask("/show") } }
    go_on
    expect(waiting.value).to eq("0 0 0")
    expect(later.map(&:value)).to eq(%w[1 1 1])
  end
end
