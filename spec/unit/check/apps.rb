# frozen_string_literal: true

# Apps to be checked, each with something in its way, or nothing.
module CheckApps
  # `file:line` of a text in a file of this folder, as a check writes it.
  def self.place(text, file = "apps.rb")
    path = File.join(__dir__, file)
    lines = File.readlines(path).each_index.select { |index| File.readlines(path)[index].include?(text) }
    raise "#{text.inspect} stands in #{lines.size} lines of #{file}" unless lines.size == 1

    "#{path.delete_prefix("#{Dir.pwd}/")}:#{lines.first + 1}"
  end

  # Nothing is in its way.
  module Plain
    NAMES = %w[a b].map(&:freeze).freeze
    @greeting = "hello"

    def self.call(_env) = [200, {}, [NAMES.first, @greeting]]
  end

  # Shares itself.
  class Sharing
    def initialize(status: 200)
      @status = status
      @lock = Mutex.new
    end

    def call(_env) = [@status, {}, ["shared"]]

    def ractorize!
      @lock = nil
      Ractor.make_shareable(self)
    end
  end

  class Middleware
    def initialize(app) = @app = app
    def call(env) = @app.call(env)
  end

  class Holder
    def initialize(held)
      @held = held
    end

    def call(_env) = [200, {}, [@held.to_s]]
  end

  class Cached
    def initialize
      @cache = {}
    end

    def call(env)
      @cache[env["PATH_INFO"]] ||= 1
      [200, {}, []]
    end
  end

  class Handlers
    def initialize = @state = []

    def itself_user = ->(_env) { [200, {}, @state] }

    def itself_ignorer = ->(env) { [200, {}, [env.to_s]] }
  end

  def self.capturing
    cache = {}
    unused = []
    unused.push(1)
    ->(env) { [200, {}, [1].map { cache[env["PATH_INFO"]] ||= 1 }] }
  end

  def self.two_in_a_line
    left = []
    right = []
    [->(one) { [one, left] }, ->(other) { [other, right] }]
  end

  class Bare < BasicObject
    def initialize = @bare = []
  end

  # Raises whenever it is asked anything.
  class Hostile
    %i[inspect to_s hash == eql? class frozen? instance_variables respond_to? method_missing call].each do |name|
      define_method(name) { |*| raise "#{name} was called" }
    end
  end
end
