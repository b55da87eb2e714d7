# frozen_string_literal: true

require "digest"
require "open3"
require_relative "moving_in"
require_relative "redmine_app"

# Debian's Redmine, which is in use the world over, as its package has it: moved from Puma to Kino by one line.
RSpec.describe "Debian's Redmine" do
  include MovingIn::Helpers

  before(:context) do
    @redmine = RedmineApp.make
    @redmine.prepare { |*command| run_in(@redmine.folder, @redmine.environment, *command) }
  rescue DebianPackages::Missing => error
    skip error.message
  end

  after(:context) { @redmine&.remove }

  # What a visitor does, and what comes of it, with all that is another each time left out.
  def visit(url)
    Browser.open(url) do |browser|
      answers = [browser.get("/login"), browser.get("/my/page")]
      answers << browser.post("/login", "authenticity_token" => token(answers.first), "username" => "admin",
                                        "password" => RedmineApp::PASSWORD)
      answers << browser.get("/projects/tea/issues")
      form = browser.get("/projects/tea/issues/new")
      answers << browser.post("/projects/tea/issues", issue(token(form)))
      file = answers.last.body[%r{/attachments/download/\d+/\w+\.bin}]
      answers << browser.get("/projects/tea/issues") << browser.get("/issues/1.json")
      answers.map { |answer| told(answer) } + downloads(browser, file)
    end
  end

  # A file goes up with it, in parts as a browser sends them.
  def issue(token)
    { "authenticity_token" => token, "issue[tracker_id]" => "1", "issue[subject]" => "No <tea> left",
      "issue[description]" => "h1. Where is it?", "issue[status_id]" => "1", "issue[priority_id]" => "2",
      "attachments[1][file]" => ["leaves.bin", RedmineApp::FILE] }
  end

  def token(answer) = answer.body[/name="authenticity_token" value="([^"]+)"/, 1]

  # The file whole, and in parts.
  def downloads(browser, file)
    [nil, "bytes=0-9", "bytes=1000000-", "bytes=-5", "bytes=99999999-"].map do |range|
      answer = browser.get(file, **{ "range" => range }.compact)
      [answer.code, *answer.fetch_values("content-type", "content-length") { nil }, answer["content-range"],
       answer["accept-ranges"], Digest::SHA256.hexdigest(answer.body.to_s)]
    end
  end

  def told(answer)
    text = answer.body.dup.force_encoding(Encoding::UTF_8)
    text = text.gsub(/(csrf-token" content=|authenticity_token" value=)"[^"]+"/, "\\1").gsub(/\d+ (seconds?|minutes?)/, "")
               .gsub(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\b\d\d?:\d\d [AP]M|less than a minute/, "")
    [answer.code, answer["content-type"], answer["x-frame-options"], text]
  end

  def served(env: {}, command: ["bin/rails", "server", "-e", "production", "-b", "127.0.0.1"])
    @redmine.begin_anew
    port = free_port
    process = serve_in(@redmine.folder, @redmine.environment.merge(env), *command, "-p", port.to_s)
    eventually("it listens") { !refused?("http://127.0.0.1:#{port}") }
    visit("http://127.0.0.1:#{port}").tap do
      process.signal(:TERM).status
      yield process if block_given?
    end
  end

  it "answers with Kino as it does with Puma, of which one line tells" do
    move_to("puma", @redmine.folder, @redmine.environment, file: "Gemfile.local")
    with_puma = served { |process| expect(process.out).to include("Puma") }
    move_to("kino", @redmine.folder, @redmine.environment, file: "Gemfile.local")
    with_kino = served { |process| expect(process.out).to include("Booting Kino").and end_with("Exiting\n") }

    expect(with_puma.map(&:first)).to eq(%w[200 200 200 200 200 200 200 200 206 206 206 416])
    with_puma.zip(with_kino).each { |one, other| expect(other).to eq(one) }
  end

  it "does so with the command kino, in two processes" do
    move_to("kino", @redmine.folder, @redmine.environment, file: "Gemfile.local")
    command = %w[bundle exec kino --processes 2 -e production]
    with_kino = served(command: command) { |process| expect(process.out).to include("2 processes").and end_with("Stopped\n") }
    expect(with_kino.map(&:first)).to eq(%w[200 200 200 200 200 200 200 200 206 206 206 416])
  end
end
