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

  # The file whole, and in parts, which Redmine doesn't have.
  def downloads(browser, file)
    [nil, "bytes=0-9", "bytes=1000000-", "bytes=-5", "bytes=99999999-"].map do |range|
      answer = browser.get(file, { "range" => range }.compact)
      [answer.code, *%w[content-type content-length content-range accept-ranges].map { |name| answer[name] },
       Digest::SHA256.hexdigest(answer.body.to_s)]
    end
  end

  # What is another each time.
  noise = /\b\h{40}\b|(?<=csrf-token"\ content=|authenticity_token"\ value=)"[^"]+"|form-\h{8}|127\.0\.0\.1(?::|%3A)\d+
           |\d+\ (?:second|minute)s?|less\ than\ a\ minute|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d?:\d\d\ [AP]M/x

  define_method(:told) do |answer|
    text = answer.body.dup.force_encoding(Encoding::UTF_8).gsub(noise, "")
    [answer.code, answer["content-type"], answer["x-frame-options"], *text.lines]
  end

  def served(env: {}, command: ["bin/rails", "server", "-e", "production", "-b", "127.0.0.1"])
    @redmine.begin_anew
    port = free_port
    process = serve_in(@redmine.folder, @redmine.environment.merge(env), *command, "-p", port.to_s)
    process.wait_for(/Listening on/)
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

    digest = Digest::SHA256.hexdigest(RedmineApp::FILE)
    expect(with_puma.last(5).map(&:last)).to eq([digest] * 5)
    expect(with_puma.map(&:first).uniq).to eq(%w[200])
    with_puma.zip(with_kino).each { |one, other| expect(other).to eq(one) }
  end

  it "does so with the command kino, in two processes" do
    move_to("kino", @redmine.folder, @redmine.environment, file: "Gemfile.local")
    command = %w[bundle exec kino --processes 2 -e production]
    with_kino = served(command: command) do |process|
      expect(process.out).to include("2 processes").and end_with("Stopped\n")
    end
    expect(with_kino.map(&:first).uniq).to eq(%w[200])
  end
end
